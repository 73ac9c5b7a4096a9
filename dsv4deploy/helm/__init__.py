"""The Helm chart, translated from the templates."""
