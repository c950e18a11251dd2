//! A guest that counts what it is given.
