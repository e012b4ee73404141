"""Operations on the columns of a table."""
