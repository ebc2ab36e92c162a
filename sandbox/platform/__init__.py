"""The payment platform: its objects in Kubernetes, the kubelet's part, the flow of requests, and what it emits."""
