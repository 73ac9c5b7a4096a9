"""From values to Kubernetes objects, and what is known of these."""
