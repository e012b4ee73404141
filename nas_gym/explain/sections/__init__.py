"""One folder for each question: its section, its analysis, its text, tables and figures."""
