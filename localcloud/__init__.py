"""localcloud: a stand-in for Google Cloud DNS v1 and Resource Manager, answering its zones over real DNS."""
