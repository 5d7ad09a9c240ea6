/** Tells how a server's services are, so that who spreads calls over servers can leave one out. */

namespace * fastthrift.health

/** How a service is. */
enum Status {
  /** Nothing is known yet. */
  UNKNOWN = 0,
  /** It takes calls. */
  SERVING = 1,
  /** It takes no calls, or is about to stop. */
  NOT_SERVING = 2,
  /** There is no such service. */
  SERVICE_UNKNOWN = 3,
}

/** Served beside the other services of a port, under the name "fastthrift.Health". */
service Health {
  /** How a service is; "" stands for the server as a whole. */
  Status check(1: string service)
}
