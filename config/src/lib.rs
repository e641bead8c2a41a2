//! Options of every process, each declared once.
