"""What the city has and who may ask for it: departments, systems, resources, certificate types, service items, clients, grants."""
