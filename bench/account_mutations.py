"""Mutations of records that are not about spans."""
ACCOUNTS = {}
