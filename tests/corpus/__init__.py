"""Texts with card data and secrets in them, and texts that look alike and hold none; made from a seed.

The card numbers are the test numbers that the brands and payment companies publish; every secret is made up.
"""
