"""Scores of networks that were not trained: one proxy or one family of proxies a file."""
