"""A real Kubernetes cluster for the tests, on this machine: see :mod:`cluster.nodes`."""
