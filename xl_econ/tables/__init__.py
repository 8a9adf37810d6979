"""Reference tables: validated rows with source, date and grade, and the look-ups that every host shares."""
