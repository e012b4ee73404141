"""Networks of message passing for graphs, such as molecules."""
