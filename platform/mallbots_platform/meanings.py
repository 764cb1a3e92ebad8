"""Whose trouble it is that a database has answered one of our statements with an error; its dialect has the table."""

from enum import Enum


class Meaning(Enum):
    OWN = "a mistake in the statement: the trouble of whoever gave it"
    SLOW = "it took longer than any statement may: the trouble of whoever gave it, who may try again"
    AGAIN = "another transaction was preferred: to be done again from its start"
    BUSY = "somebody holds what is wanted: nobody's fault, and over soon"
    AWAY = "the database, or the way to it, cannot be used: the connection is given up"
