"""One module per kind of API that is spoken to: HTTP, AWS, Kubernetes."""
