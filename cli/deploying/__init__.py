"""Deploy the responder by the CDK, after the configuration was checked and people have seen what would change."""
