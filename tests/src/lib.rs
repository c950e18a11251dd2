//! The whole of growbox seen from outside: scenarios over the real binary.
