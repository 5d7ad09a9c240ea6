//! Fixtures, connection pairs, arbitrary schemas and values for the project's tests.
