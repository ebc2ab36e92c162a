"""The CDK app's stack, one module per concern."""
