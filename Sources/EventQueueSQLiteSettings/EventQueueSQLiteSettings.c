#include "EventQueueSQLiteSettings.h"
