//! Messages and descriptors between processes over Unix sockets.
