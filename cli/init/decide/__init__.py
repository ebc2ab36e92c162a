"""What is concluded from the facts: one file for each part of the configuration. Nothing here asks anybody.

Each conclusion says where it comes from and how certain it is: "seen" where a system says it in so many words,
"likely" where it follows, "a guess" where another answer would be no surprise.
"""
