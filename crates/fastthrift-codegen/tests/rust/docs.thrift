/**
 * A page of documentation.
 *
 * It has <b>HTML</b>, [brackets], an address (https://example.com/a_b?c=d), `code <T>` and an odd ` tick:
 *  - an item
 *    that goes on
 *  - another one
 * and text after it.
 *
 *     an indented block
 *
 * ---
 * 1. numbered
 * 2. twice
 */
struct Documented {
  /** A field; see Other. */
  1: i32 field
  /**
   * ```
   * fenced
   * ```
   */
  2: i32 fenced
  // not documentation
  3: i32 plain
}
