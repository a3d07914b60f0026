#ifndef EVENT_QUEUE_SQLITE_SETTINGS_H
#define EVENT_QUEUE_SQLITE_SETTINGS_H

#include <sqlite3.h>

/// Whether SQL may change the text of a schema (`PRAGMA writable_schema`): SQLite's own default, and forbidden by the
/// SQLite that comes with macOS (https://www.sqlite.org/c3ref/c_dbconfig_defensive.html).
///
/// Here in C because `sqlite3_db_config` takes whatever arguments, which Swift cannot call.
///
/// Returns an SQLite result code.
static inline int event_queue_set_schema_writable(sqlite3 *connection, int is_writable) {
    return sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, !is_writable, (int *)0);
}

/// Reads the same: 1 or 0.
static inline int event_queue_is_schema_writable(sqlite3 *connection) {
    int is_defensive = 0;
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, -1, &is_defensive);
    return !is_defensive;
}

#endif
