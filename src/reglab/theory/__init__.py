"""The lecture's closed forms, each a topic that computes, checks itself and draws its figure."""
