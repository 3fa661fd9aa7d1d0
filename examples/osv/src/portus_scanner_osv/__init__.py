"""The packages of an SBOM, asked at OSV.dev, as a scanner of portus-scanners."""
