"""What is kept: the timeline in DynamoDB, the postmortems in S3."""
