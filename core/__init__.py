"""Everything about hybrid transfer learning that is true without a browser."""
