"""A payment platform that breaks, on one machine: engines for AWS and Kubernetes, stand-ins for vendors, drills.

The responder knows nothing of this folder: endpoints, credentials and a configuration file are all that differ.
"""
