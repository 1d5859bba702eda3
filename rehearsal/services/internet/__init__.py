"""What a stack with inference meets on the internet: NVIDIA's functions and registry, Hugging Face, Foundry's models, hosted endpoints.

Each is asked through `sdg:mirror.apis`, as at a site whose way out leads through a gateway; see `doors`.
"""
