"""Operations on sequences: (channels, length), and codes of a sequence, (length,)."""
