"""From traffic to instances: operating points, queueing, simulation, and the plan they make."""
