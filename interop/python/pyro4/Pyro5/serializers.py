from Pyro4.util import SerializerBase, _serializers as serializers  # noqa: F401
