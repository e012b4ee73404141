"""The forms of a report: web page, Markdown, numbers, TensorBoard."""
