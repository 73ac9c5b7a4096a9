"""From a manifest that already runs to values: the templates, read backwards."""
