"""``responder doctor``: what of the responder's setup works in the account, what does not, and how to mend it.

``model`` has the result, ``account`` and ``cluster`` read, ``run`` asks the probes side by side, ``render`` prints.
One file in ``probes`` is one probe: it reads something and judges it by a pure function. What cannot be asked is "not
known", never well.
"""
