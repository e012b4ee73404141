"""One folder a question: its section, its analysis, its text, tables and figures."""
