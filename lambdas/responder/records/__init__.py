"""Storage: the timeline in DynamoDB, the postmortems in S3."""
