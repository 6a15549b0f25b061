@0xd1c0a8f3b5e7a942;

interface Adder {
  add @0 (x :Int64, y :Int64) -> (sum :Int64);
}
