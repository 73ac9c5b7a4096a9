"""A suite of what clients may expect of an OpenAI-compatible gateway, run against any URL.

:data:`.case.CASES` has every case; :func:`.suite.run` decides them, one after the other.
"""
