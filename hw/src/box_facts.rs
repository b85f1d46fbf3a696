//! What the box is made of, and what the own process uses of it: read from `/proc`, `/sys` and `/dev`.
