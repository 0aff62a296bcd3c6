"""Claims of papers as experiments: runs it needs, what the paper says, an honest verdict."""
