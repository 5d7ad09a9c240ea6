//! What clients by name have in common, whatever they call through.

/// Defines a client that calls a service through a channel of this type.
macro_rules! client {
    ($(#[$doc:meta])* $name:ident through $channel:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            channel: $channel,
            service: Service,
        }

        impl $name {
            /// Calls this service through this channel.
            pub fn new(channel: $channel, service: Service) -> Self {
                Self { channel, service }
            }

            /// What it calls through.
            pub fn channel(&self) -> &$channel {
                &self.channel
            }

            /// What it calls.
            pub fn service(&self) -> &Service {
                &self.service
            }

            /// The same, with another time-out for each call; `None` is none.
            #[must_use]
            pub fn with_timeout(&self, timeout: impl Into<Option<Duration>>) -> Self {
                Self::new(self.channel.with_timeout(timeout), self.service.clone())
            }

            /// The same, with one more header for each call. Headers travel over the Header transport and HTTP; elsewhere the
            /// calls fail, and nothing is sent.
            #[must_use]
            pub fn with_header(&self, name: &str, value: &str) -> Self {
                Self::new(self.channel.with_header(name, value), self.service.clone())
            }
        }
    };
}

pub(super) use client;
