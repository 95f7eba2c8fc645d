//! What the operator wrote, read and checked without touching the file system.
