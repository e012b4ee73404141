"""Operations for series, whose last side is time."""
