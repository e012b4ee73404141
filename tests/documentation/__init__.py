"""The README and the pages in docs, as a newcomer reads them."""
