"""The whole walk, and the whole comparison, as scripts for the servers' own clients: a procedure. Pure text."""

from __future__ import annotations

from console.databases.mysql.walk import Walk

# A procedure's variables hide columns of the same name, so ours have names that no column has.
_AFTER, _UPTO, _BEGUN, _FOUND = (f"column_console_{name}" for name in ("after", "upto", "begun", "found"))


def script(walk: Walk, procedure: str, size: int = 1000) -> str:
    """The whole walk as a script for the client: batches, each committed by itself."""
    types = [_declared(*both) for both in zip(walk.types, walk.collations, strict=True)]
    declared = "\n".join(
        f"  DECLARE {end} {kind};"
        for name in (_AFTER, _UPTO)
        for end, kind in zip(_variables(walk, name), types, strict=True)
    )
    return (
        f"DROP PROCEDURE IF EXISTS {procedure};\nDELIMITER //\nCREATE PROCEDURE {procedure}()\nBEGIN\n"
        f"  DECLARE {_BEGUN}, {_FOUND} BOOLEAN;\n{declared}\n{_script_of(walk, size)}\nEND//\nDELIMITER ;\n"
        f"CALL {procedure}();\nDROP PROCEDURE {procedure};"
    )


def check(walk: Walk, procedure: str) -> str:
    """The whole comparison as a script for the server's own client, which fails where a row differs."""
    table = walk.by_key(walk.table)
    return (
        f"{walk.compare(walk.table, None, None)};\n"
        f"DROP PROCEDURE IF EXISTS {procedure};\nDELIMITER //\nCREATE PROCEDURE {procedure}()\nBEGIN\n"
        f"  IF EXISTS (SELECT 1 FROM {table} WHERE {walk.wrong()}) THEN\n"
        "    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'rows differ from the expression';\n"
        f"  END IF;\nEND//\nDELIMITER ;\nCALL {procedure}();\nDROP PROCEDURE {procedure};"
    )


def _variables(walk: Walk, name: str) -> list[str]:
    return [f"{name}_{number}" for number in range(len(walk.columns))]


def _script_of(walk: Walk, size: int) -> str:
    table = walk.by_key(walk.table)
    afters, uptos = _variables(walk, _AFTER), _variables(walk, _UPTO)
    beyond = f"(NOT {_BEGUN} OR {walk.beyond(afters, '>', last='>')})"
    within = walk.beyond(uptos, "<", last="<=")
    descending = ", ".join(f"{column} DESC" for column in walk.columns)
    select = f"SELECT {walk.order} INTO {', '.join(uptos)} FROM {table} WHERE {beyond}"
    moved = ", ".join(f"{after} = {upto}" for after, upto in zip(afters, uptos, strict=True))
    return (
        f"  SET {_BEGUN} = FALSE;\n  walk: LOOP\n    SET {_FOUND} = TRUE;\n"
        f"    BEGIN\n      DECLARE CONTINUE HANDLER FOR NOT FOUND SET {_FOUND} = FALSE;\n"
        f"      {select}\n        ORDER BY {walk.order} LIMIT 1 OFFSET {size - 1};\n"
        f"      IF NOT {_FOUND} THEN\n        SET {_FOUND} = TRUE;\n"
        f"        {select}\n          ORDER BY {descending} LIMIT 1;\n"
        "      END IF;\n    END;\n"
        f"    IF NOT {_FOUND} THEN LEAVE walk; END IF;\n"
        f"    UPDATE {table} SET {walk.assigned}\n"
        f"      WHERE {beyond} AND {within} AND {walk.to_do()};\n"
        f"    COMMIT;\n    SET {moved}, {_BEGUN} = TRUE;\n  END LOOP walk;"
    )


def _declared(type_: str, collation: str) -> str:
    """A key's column as a variable's type: of the column's own collation, else the two can't be compared."""
    return f"{type_} CHARACTER SET {collation.partition('_')[0]} COLLATE {collation}" if collation else type_
