"""Tables: every architecture of a space with its recorded results; files, and where to find them."""

from nas_gym.tables.catalogue import find_table, load_table, table_files, table_path, tasks_of, user_folder
from nas_gym.tables.file import read_table, write_table
from nas_gym.tables.resolve import asked_table, check_search_space, table_task, task_label
from nas_gym.tables.table import Table

__all__ = [
    "Table",
    "asked_table",
    "check_search_space",
    "find_table",
    "load_table",
    "read_table",
    "table_files",
    "table_path",
    "table_task",
    "task_label",
    "tasks_of",
    "user_folder",
    "write_table",
]
