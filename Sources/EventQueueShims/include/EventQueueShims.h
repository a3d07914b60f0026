#ifndef EVENT_QUEUE_SHIMS_H
#define EVENT_QUEUE_SHIMS_H

#include <sqlite3.h>
// Any header of the library itself says whether it is glibc, which the next line asks.
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/// Lets SQL change the text of a schema (`PRAGMA writable_schema`), or forbids it: SQLite allows it unless told otherwise,
/// the SQLite that comes with macOS does not (https://www.sqlite.org/c3ref/c_dbconfig_defensive.html).
///
/// Swift cannot call `sqlite3_db_config`, which takes any arguments. Returns an SQLite result code.
static inline int event_queue_set_schema_writable(sqlite3 *connection, int is_writable) {
    return sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, !is_writable, (int *)0);
}

/// Reads the same: 1 or 0.
static inline int event_queue_is_schema_writable(sqlite3 *connection) {
    int is_defensive = 0;
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, -1, &is_defensive);
    return !is_defensive;
}

/// Gives freed memory back to the system, where the library keeps it: glibc's, whose `malloc_trim` Swift does not see.
static inline void event_queue_give_freed_memory_back(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

#endif
