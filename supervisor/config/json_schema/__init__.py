"""The JSON Schema of a service file, made from the classes that `load` fills."""
