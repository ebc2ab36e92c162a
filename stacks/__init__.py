"""The CDK app: what is deployed, one module a concern."""
