"""The real Kubernetes control plane: where its binaries come from, and how it is run."""
